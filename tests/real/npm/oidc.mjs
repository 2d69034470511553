// oidc.mjs NPM TTL - oidc-provider (a certified OAuth 2.0 server) and a small system that asks it about each token
//
// The provider issues opaque tokens for client credentials that live TTL seconds, and knows two clients: one that
// says who it is by Basic, one in the body. The system beside it takes POST /api/... when the token's introspection
// (RFC 7662) says that it is active and has the scope, else 401 or 403. GET /control counts; POST /control/revoke
// has the provider revoke (RFC 7009) all tokens that were seen, as an administrator would. Prints the provider's
// port and the system's.
import http from 'node:http';
import { createRequire } from 'node:module';

const [, , npm, ttl] = process.argv;
const { default: Provider } = await import(createRequire(`${npm}/package.json`).resolve('oidc-provider'));
const clients = [
    ['plant 7/a', 's3cr%t:+/x= &', 'client_secret_basic', 'stock:write'],
    ['plant-8', 'b0dy&secret=+', 'client_secret_post', 'stock:write'],
    ['gate', 'gate-secret', 'client_secret_basic', undefined]
];
const count = { tokens: 0, refused_tokens: 0, token_at_once: 0, done: 0, doubles: 0, api_401: 0, api_403: 0 };
const seen = new Map(), keys = new Set();
let fetching = 0;

const listen = (server) => new Promise((go) => server.listen(0, '127.0.0.1', () => go(server.address().port)));
const auth = http.createServer();
const issuer = `http://127.0.0.1:${await listen(auth)}`;
const provider = new Provider(issuer, {
    clients: clients.map(([client_id, client_secret, token_endpoint_auth_method, scope]) => ({
        client_id, client_secret, token_endpoint_auth_method, scope,
        grant_types: ['client_credentials'], redirect_uris: [], response_types: []
    })),
    scopes: ['stock:write', 'stock:read'],
    features: {
        clientCredentials: { enabled: true }, introspection: { enabled: true }, revocation: { enabled: true },
        devInteractions: { enabled: false }
    },
    ttl: { ClientCredentials: Number(ttl) }
});
provider.on('grant.success', () => count.tokens++);
provider.on('grant.error', () => count.refused_tokens++);
const serve = provider.callback();
auth.on('request', (request, answer) => {
    if (request.url === '/token') {
        count.token_at_once = Math.max(count.token_at_once, ++fetching);
        answer.on('close', () => fetching--);
    }
    serve(request, answer);
});

const ask = (path, [id, secret], form) => fetch(issuer + path, {
    method: 'POST',
    headers: {
        authorization: 'Basic ' + Buffer.from([id, secret].map(encodeURIComponent).join(':')).toString('base64'),
        'content-type': 'application/x-www-form-urlencoded'
    },
    body: new URLSearchParams(form)
});

async function revoke() {
    for (const [token, id] of seen)
        if (id === clients[0][0])
            await ask('/token/revocation', clients[0], { token });
    const n = seen.size;
    seen.clear();
    return { revoked: n };
}

async function api(request) {
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
    const state = token ? await (await ask('/token/introspection', clients[2], { token })).json() : {};
    if (state.error)
        console.error(state);
    if (!state.active)
        return [401, { error: 'invalid_token' }, count.api_401++];
    seen.set(token, state.client_id);
    if (!state.scope?.split(' ').includes('stock:write'))
        return [403, { error: 'insufficient_scope' }, count.api_403++];
    const key = request.headers['idempotency-key'];
    if (keys.has(key))
        count.doubles++;
    keys.add(key);
    count.done++;
    return [200, { ok: true }];
}

const system = http.createServer(async (request, answer) => {
    for await (const chunk of request) void chunk;
    const [status, body] = request.url === '/control' ? [200, count]
        : request.url === '/control/revoke' ? [200, await revoke()] : await api(request);
    answer.writeHead(status, { 'content-type': 'application/json' });
    answer.end(JSON.stringify(body));
});
console.log(`${auth.address().port} ${await listen(system)}`);
