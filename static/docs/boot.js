"use strict";
const documents = document.getElementById("documents");
const ui = document.getElementById("ui");
const place = new URL(location.href);

// What a page can set, the access token first. The refresh cookie is out of reach for script.
function settable(spec) {
  const schemes = Object.entries(spec?.components?.securitySchemes ?? {}).filter(([, scheme]) => scheme.in !== "cookie");
  schemes.sort(([, a], [, b]) => (b.scheme === "bearer") - (a.scheme === "bearer"));
  const known = Object.fromEntries(schemes);
  for (const operation of Object.values(spec?.paths ?? {}).flatMap(Object.values)) {
    operation.security = operation.security?.filter((demand) => Object.keys(demand).every((name) => name in known));
  }
  if (spec?.components?.securitySchemes) spec.components.securitySchemes = known;
  return spec;
}

// Swagger UI scrolls a linked call under the bar; scrollIntoView heeds the scroll-padding of the style sheet.
const authd = () => ({
  statePlugins: {
    spec: { wrapActions: { updateJsonSpec: (update) => (spec) => update(settable(spec)) } },
    layout: {
      wrapActions: {
        scrollToElement: (_, system) => (element) => {
          element.scrollIntoView({ block: "start" });
          return system.layoutActions.clearScrollTo();
        },
      },
    },
  },
});

// Swagger UI focuses the last field of its dialog, and labels neither its list of servers nor the page.
let dialog = null;
new MutationObserver(() => {
  ui.querySelector("#servers:not([aria-label])")?.setAttribute("aria-label", "Server");
  const now = ui.querySelector(".dialog-ux");
  if (now && !dialog) {
    now.querySelector("input")?.focus();
    for (const part of now.querySelectorAll(".modal-ux, .modal-ux-content")) part.scrollTop = 0;
  }
  dialog = now;
}).observe(ui, { childList: true, subtree: true });

function show() {
  document.getElementById("reference").href = `redoc/${documents.value}`;
  document.getElementById("json").href = `openapi/${documents.value}.json`;
  SwaggerUIBundle({
    dom_id: "#ui",
    url: `openapi/${documents.value}.json`,
    deepLinking: true,
    plugins: [authd],
    validatorUrl: null,
    persistAuthorization: false,
  });
}

documents.addEventListener("change", () => {
  place.searchParams.set("api", documents.value);
  place.hash = "";
  history.replaceState(null, "", place);
  show();
});

const asked = place.searchParams.get("api");
if ([...documents.options].some((option) => option.value === asked)) documents.value = asked;
show();
