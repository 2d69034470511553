// sap-mockserver.mjs NPM EDMX-FOLDER - SAP's own mock server for the services of two descriptions
//
// Metadata, entities (150 of each set, made up by the server from the types), keys, $expand, $count, CSRF tokens
// and writes are the server's. Two things it does not do are put in front of it here, for A_Product alone: it
// compares a V2 datetimeoffset literal as a text, and it knows no page of the server's own. So the filter of a feed
// is applied here, and what it leaves is cut in pages of 40 with an absolute __next, as a gateway does.
import http from 'node:http';
import { createRequire } from 'node:module';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';

const [, , npm, edmx] = process.argv;
const FEMockserver = createRequire(`${npm}/package.json`)('@sap-ux/fe-mockserver-core').default;
const root = '/sap/opu/odata/sap', none = mkdtempSync(`${tmpdir()}/mockdata-`), PAGE = 40;
const quiet = { info() {}, debug() {}, warn() {}, error: console.error };
const mock = new FEMockserver({
    logger: quiet,
    services: ['API_PRODUCT_SRV', 'API_BUSINESS_PARTNER'].map((name) => ({
        urlPath: `${root}/${name}`, metadataPath: `${edmx}/${name}.edmx`, mockdataPath: none, generateMockData: true,
        logger: quiet
    })),
    annotations: []
});
await mock.isReady;

const serve = (request, answer) =>
    mock.getRouter()(request, answer, (e) => { answer.statusCode = e ? 500 : 404; answer.end(String(e ?? '')); });

function feed(request, answer, url) {
    const since = /LastChangeDateTime ge datetimeoffset'([^']+)'/.exec(url.searchParams.get('$filter'))[1];
    const at = Number(url.searchParams.get('$skiptoken') ?? 0), chunks = [];
    const inner = new URL(url);
    inner.searchParams.delete('$filter');
    inner.searchParams.delete('$skiptoken');
    request.url = request.originalUrl = inner.pathname + inner.search.replaceAll('%24', '$');
    answer.write = (chunk) => chunks.push(Buffer.from(chunk));
    const { end } = answer;
    answer.end = (chunk) => {
        if (chunk) chunks.push(Buffer.from(chunk));
        const all = JSON.parse(Buffer.concat(chunks)).d.results
            .filter((one) => Number(/\d+/.exec(one.LastChangeDateTime)[0]) >= Date.parse(since));
        const d = { results: all.slice(at, at + PAGE) };
        if (all.length > at + PAGE) {
            const next = new URL(url);
            next.searchParams.set('$skiptoken', at + PAGE);
            d.__next = next.href;
        }
        console.error(`page ${at} of ${all.length}`);
        end.call(answer, JSON.stringify({ d }));
    };
    serve(request, answer);
}

const server = http.createServer((request, answer) => {
    const url = new URL(request.url, `http://${request.headers.host}`);
    console.error(request.method, url.pathname);
    if (request.method === 'GET' && url.pathname === `${root}/API_PRODUCT_SRV/A_Product` && url.searchParams.has('$filter'))
        feed(request, answer, url);
    else
        serve(request, answer);
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
