// What the page asks of the server before a call: its configuration, tokens and ICE servers.

/** An answer of the server that is no success: `code` of the protocol, and when to try again. */
export class Refusal extends Error {
  constructor(code, text, retryAfterMs) {
    super(text || code);
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

// A wait that nobody notices; longer ones are told of.
const SHORT_MS = 3000;

/** The body of an answer; where the server says "in a moment", asked once more then. */
async function asked(path, options = {}) {
  try {
    return await askedOnce(path, options);
  } catch (error) {
    if (!(error.retryAfterMs <= SHORT_MS)) throw error;
    await new Promise((resolve) => setTimeout(resolve, error.retryAfterMs));
    return askedOnce(path, options);
  }
}

async function askedOnce(path, options) {
  let response;
  try {
    response = await fetch(path, { cache: "no-store", ...options });
  } catch {
    throw new Refusal("unreachable", "the server does not answer", 1000);
  }
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refusal(body.code || String(response.status), body.text, body.retryAfterMs);
  return body;
}

/** What the server is and offers: model, rungs, whether it gives tokens itself, what a browser may enlarge with. */
export function configuration() {
  return asked("/api/config");
}

/** A token for a room and a role, of a server that gives them itself. */
export async function newToken(room, role, name) {
  const body = await asked("/api/token", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ room, role, ...(name ? { name } : {}) }),
  });
  return body.token;
}

let known = { token: "", until: 0, servers: [] };

/** The ICE servers for a token's holder; kept for minutes, since tiles and rejoining ask again and again. */
export async function iceServers(token) {
  if (known.token !== token || known.until < performance.now()) {
    const body = await asked("/api/ice", { headers: { Authorization: `Bearer ${token}` } });
    known = { token, until: performance.now() + 5 * 60_000, servers: body.iceServers || [] };
  }
  return known.servers;
}

/** What the address of the page says: room, and where an invitation holds one, token and role. */
export function invitation(hash = location.hash) {
  const fields = new URLSearchParams(hash.replace(/^#/, ""));
  return { room: fields.get("room") || "", role: fields.get("role") || "", token: fields.get("token") || "" };
}

/** A name as tokens take them: letters without accents, digits and `_.-`. */
export function plainName(text, most = 64) {
  const plain = text.normalize("NFKD").replace(/\p{M}/gu, "").trim().replace(/[^A-Za-z0-9_.-]+/g, "-");
  return plain.replace(/^-+|-+$/g, "").slice(0, most);
}
