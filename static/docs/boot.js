"use strict";
const documents = document.getElementById("documents");
const place = new URL(location.href);

function show() {
  document.getElementById("reference").href = `redoc/${documents.value}`;
  document.getElementById("json").href = `openapi/${documents.value}.json`;
  SwaggerUIBundle({
    dom_id: "#ui",
    url: `openapi/${documents.value}.json`,
    deepLinking: true,
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
