// node:http with comparisons of the path: no router, so it has no other routes either.
'use strict';
const http = require('node:http');
const common = require('./common.js');

const reply = (res, type, body) => {
  res.writeHead(200, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) });
  res.end(body);
};

const server = http.createServer({ keepAliveTimeout: common.keepAliveSeconds * 1000 }, (req, res) => {
  const { method, url } = req;
  if (method === 'GET' && url === '/plaintext') return reply(res, common.text, common.hello);
  if (method === 'GET' && url === '/html') return reply(res, common.html, common.page());
  if (method === 'GET' && url === '/block') return reply(res, common.bytes, common.block);
  if (method === 'POST' && url === '/upload') {
    return common.count(req, (count) => reply(res, common.text, count));
  }
  if (method === 'POST' && url === '/json') {
    let body = '';
    req.setEncoding('utf8');
    req.on('data', (chunk) => { body += chunk; });
    req.on('end', () => reply(res, common.json, JSON.stringify(JSON.parse(body))));
    return undefined;
  }
  res.writeHead(404, { 'Content-Length': 0 });
  return res.end();
});
server.listen(common.listen);
