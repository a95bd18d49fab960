// polka, whose handlers write replies with node's own means.
'use strict';
const polka = require('polka');
const common = require('./common.js');

const app = polka();
const pass = (req, res, next) => next();
const reply = (res, type, body) => {
  res.writeHead(200, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) });
  res.end(body);
};
const another = (req, res) => reply(res, common.text, 'another');

for (const route of common.routesBefore) app.get(route, another);
app.get('/plaintext', (req, res) => reply(res, common.text, common.hello));
app.get('/html', (req, res) => reply(res, common.html, common.page()));
app.get('/users/:id/books/:title', (req, res) => {
  reply(res, common.text, `user ${req.params.id} book ${req.params.title}`);
});
app.post('/json', (req, res) => {
  let body = '';
  req.setEncoding('utf8');
  req.on('data', (chunk) => { body += chunk; });
  req.on('end', () => reply(res, common.json, JSON.stringify(JSON.parse(body))));
});
app.post('/upload', (req, res) => common.count(req, (count) => reply(res, common.text, count)));
app.get('/block', (req, res) => reply(res, common.bytes, common.block));
app.get('/middleware', pass, pass, pass, (req, res) => reply(res, common.text, common.hello));
for (const route of common.routesAfter) app.get(route, another);

app.listen(common.listen);
app.server.keepAliveTimeout = common.keepAliveSeconds * 1000;
