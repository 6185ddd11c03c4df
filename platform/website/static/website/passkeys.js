// Passkeys: asks the browser for a credential and sends it with the form. Without JavaScript the button stays off.
(() => {
  const toBytes = (text) => {
    const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
  };
  const toText = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const withIds = (list) => (list || []).map((entry) => ({ ...entry, id: toBytes(entry.id) }));

  const create = async (options, alone) => {
    const wanted = options.publicKey;
    const choice = { ...wanted.authenticatorSelection, residentKey: alone ? "required" : "discouraged" };
    choice.requireResidentKey = alone;
    if (alone) choice.userVerification = "required";
    return navigator.credentials.create({
      publicKey: {
        ...wanted,
        challenge: toBytes(wanted.challenge),
        user: { ...wanted.user, id: toBytes(wanted.user.id) },
        excludeCredentials: withIds(wanted.excludeCredentials),
        authenticatorSelection: choice,
      },
    });
  };
  const get = async (options) => {
    const wanted = options.publicKey;
    return navigator.credentials.get({
      publicKey: { ...wanted, challenge: toBytes(wanted.challenge), allowCredentials: withIds(wanted.allowCredentials) },
    });
  };
  const asJson = (credential) => {
    const answer = { clientDataJSON: toText(credential.response.clientDataJSON) };
    for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (credential.response[name]) answer[name] = toText(credential.response[name]);
    }
    if (credential.response.getTransports) answer.transports = credential.response.getTransports();
    return JSON.stringify({
      id: credential.id, rawId: toText(credential.rawId), type: credential.type, response: answer,
      authenticatorAttachment: credential.authenticatorAttachment,
      clientExtensionResults: credential.getClientExtensionResults(),
    });
  };

  const optionsFor = async (form) => {
    if (form.dataset.passkey !== "login") return JSON.parse(document.getElementById("passkey_options").textContent);
    const answer = await fetch(form.action, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error("no options");
    return (await answer.json()).request_options;
  };

  if (!window.PublicKeyCredential) return;
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    const button = form.querySelector("[data-passkey-button]");
    const problem = form.querySelector("[data-passkey-problem]");
    form.hidden = false;
    button.disabled = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      problem.hidden = true;
      button.disabled = true;
      try {
        const options = await optionsFor(form);
        const alone = form.elements.passwordless ? form.elements.passwordless.checked : false;
        const credential = form.dataset.passkey === "create" ? await create(options, alone) : await get(options);
        form.elements.credential.value = asJson(credential);
        form.submit();
      } catch {
        problem.hidden = false;
        button.disabled = false;
      }
    });
  }
})();
