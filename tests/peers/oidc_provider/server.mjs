// An OpenID provider for tests: any name signs in. It prints its address, and ends with its standard input.
// usage: node server.mjs FOLDER   (FOLDER has node_modules/oidc-provider)
import http from 'node:http';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const entry = path.join(process.argv[2], 'node_modules', 'oidc-provider', 'lib', 'index.js');
const { Provider } = await import(pathToFileURL(entry).href);

const server = http.createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{
      client_id: 'cadence',
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      redirect_uris: ['http://127.0.0.1/callback'],
      response_types: ['code'],
      grant_types: ['authorization_code', 'urn:ietf:params:oauth:grant-type:device_code'],
    }],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'groups'] },
    conformIdTokenClaims: false,
    cookies: { keys: ['test'] },
    features: { deviceFlow: { enabled: true }, devInteractions: { enabled: true } },
    findAccount: (context, id) => ({
      accountId: id,
      claims: () => ({
        sub: id, name: id, email: `${id}@example.org`, email_verified: true, groups: ['engineers'],
      }),
    }),
  });
  server.on('request', provider.callback());
  console.log(issuer);
});
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
