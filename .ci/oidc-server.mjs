// A provider of OpenID Connect: oidc-provider, with a page that asks for account and password.
//   node oidc-server.mjs SECRET_FILE      prints its port
import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const path = createRequire(process.cwd() + "/").resolve("oidc-provider");
const { default: Provider } = await import(pathToFileURL(path));

const groups = { ann: ["etl-admins", "ops"], bob: ["ops"] };
const person = (account) => ({
  sub: `subject-of-${account}`,
  preferred_username: account,
  name: `${account} of the provider`,
  email: `${account}@hcndc.test`,
  email_verified: true,
  groups: groups[account] ?? [],
});

const server = createServer();
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const issuer = `http://127.0.0.1:${server.address().port}`;
const provider = new Provider(issuer, {
  clients: [
    {
      client_id: "hcndc",
      client_secret: readFileSync(process.argv[2], "utf8"),
      // A program on this host: any port will do (RFC 8252, 7.3).
      application_type: "native",
      redirect_uris: ["http://127.0.0.1/api/v1/session/oidc/callback"],
      grant_types: ["authorization_code"],
      response_types: ["code"],
    },
  ],
  claims: { openid: ["sub"], profile: ["preferred_username", "name", "groups"], email: ["email", "email_verified"] },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_, id) => ({ accountId: id, claims: () => person(id.replace(/^subject-of-/, "")) }),
  // Nobody is asked whether this server may know them.
  async loadExistingGrant(ctx) {
    const { client, session } = ctx.oidc;
    const grant = new ctx.oidc.provider.Grant({ clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope("openid profile email");
    await grant.save();
    return grant;
  },
  pkce: { required: () => true },
});
provider.on("server_error", (_, error) => console.error(error));

const page = `<!doctype html><title>Provider</title><form method="post">
<input name="account" aria-label="Account"><input name="password" type="password" aria-label="Password">
<button>Sign in</button> <button name="refuse" value="1">Refuse</button></form>`;

async function interaction(request, response) {
  if (request.method !== "POST") return response.setHeader("content-type", "text/html").end(page);
  let body = "";
  for await (const piece of request) body += piece;
  const form = new URLSearchParams(body);
  if (form.has("refuse")) return provider.interactionFinished(request, response, { error: "access_denied" });
  const account = form.get("account");
  if (form.get("password") !== `${account}-password`) return response.writeHead(401).end(page);
  // A program on this host is asked about each time (RFC 8252, 8.6); that is said yes to at once.
  await provider.interactionFinished(request, response, { login: { accountId: `subject-of-${account}` }, consent: {} });
}

const answer = provider.callback();
server.on("request", (request, response) => {
  if (!request.url.startsWith("/interaction/")) return answer(request, response);
  interaction(request, response).catch((error) => {
    console.error(error);
    response.writeHead(500).end();
  });
});
console.log(server.address().port);
