// A real OpenID provider for the tests: node server.mjs PORT REDIRECT_URI
import { Provider } from 'oidc-provider';

const [port, redirectUri] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const provider = new Provider(issuer, {
  clients: [
    {
      client_id: 'tessera',
      client_secret: 'a secret of the tests',
      redirect_uris: [redirectUri],
      grant_types: ['authorization_code'],
      response_types: ['code'],
    },
  ],
  pkce: { required: () => true },
  cookies: { keys: ['a key of the tests'] },
});
provider.listen(Number(port), '127.0.0.1', () => console.log('ready'));
