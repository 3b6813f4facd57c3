// A real SAML 2.0 identity provider for the tests: node saml.mjs PORT CALLBACK KEY_FILE CERTIFICATE_FILE
// Whoever asks says who signs in: ?login=NAME.
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import samlp from 'samlp';

const [port, callback, key, certificate] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}/metadata`;
const answer = samlp.auth({
  issuer,
  key: readFileSync(key),
  cert: readFileSync(certificate),
  destination: callback,
  recipient: callback,
  lifetimeInSeconds: 300,
  getPostURL: (_audience, _request, _req, done) => done(null, callback),
  getUserFromRequest: (req) => ({
    id: req.query.login,
    displayName: 'Somebody Example',
    name: { givenName: 'Somebody', familyName: 'Example' },
    emails: [{ value: 'shared@example.com' }],
  }),
  responseHandler: (response, _options, req, res) => {
    res.setHeader('content-type', 'application/json');
    res.end(JSON.stringify({ SAMLResponse: response.toString('base64'), RelayState: req.query.RelayState }));
  },
});

createServer((req, res) => {
  req.query = Object.fromEntries(new URL(req.url, issuer).searchParams);
  answer(req, res, (error) => {
    res.statusCode = 500;
    res.end(String(error));
  });
}).listen(Number(port), '127.0.0.1', () => console.log('ready'));
