// odata-server.mjs NPM - simple-odata-server with a store in memory: OData V4 that nobody here wrote
//
// Its router, $metadata, JSON and key handling are the server's; the store below only keeps what it is given, by
// the key that it is asked for. What it refuses is said in the store's own words, as an application does.
import http from 'node:http';
import { createRequire } from 'node:module';

const ODataServer = createRequire(`${process.argv[2]}/package.json`)('simple-odata-server');
const model = {
    namespace: 'Plant',
    entityTypes: {
        Material: {
            _id: { type: 'Edm.String', key: true, nullable: false },
            Name: { type: 'Edm.String' },
            Weight: { type: 'Edm.Decimal' },
            Count: { type: 'Edm.Int32' },
            Active: { type: 'Edm.Boolean' },
            ChangedAt: { type: 'Edm.DateTimeOffset' }
        }
    },
    entitySets: { Materials: { entityType: 'Plant.Material' } }
};
const store = new Map();
const fits = (filter) => [...store.values()].filter((one) => Object.entries(filter).every(([k, v]) => one[k] === v));
const refuse = (code, text) => Object.assign(new Error(text), { code });
const odata = ODataServer().model(model)
    .query((set, query, request, done) => done(null, fits(query.$filter).map((one) => ({ ...one }))))
    .insert((set, one, request, done) => {
        if (store.has(one._id)) return done(refuse(409, `${one._id} is there already`));
        if (one.Count < 0) return done(refuse(422, 'Count is negative'));
        store.set(one._id, { ...one });
        done(null, { ...one });
    })
    .update((set, query, update, request, done) => {
        const all = fits(query);
        all.forEach((one) => Object.assign(one, update.$set));
        done(all.length ? null : refuse(404, 'nothing to update'), all.length);
    })
    .remove((set, query, request, done) => {
        fits(query).forEach((one) => store.delete(one._id));
        done(null);
    });

const server = http.createServer((request, answer) => {
    console.error(request.method, request.url, request.headers['idempotency-key'] ?? '');
    odata.handle(request, answer);
});
server.listen(0, '127.0.0.1', () => {
    odata.serviceUrl = `http://127.0.0.1:${server.address().port}/odata`;
    odata.cfg.serviceUrl = odata.serviceUrl;
    console.log(server.address().port);
});
