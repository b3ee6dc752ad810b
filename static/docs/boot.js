"use strict";
const documents = document.getElementById("documents");
function show() {
  SwaggerUIBundle({
    dom_id: "#ui",
    url: documents.value,
    deepLinking: true,
    validatorUrl: null,
    persistAuthorization: false,
  });
}
documents.addEventListener("change", show);
show();
