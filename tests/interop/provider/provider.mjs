// A provider of OpenID Connect: node provider.mjs PORT SERVICE. Its own pages for development ask for a name and any password.
import { Provider } from 'oidc-provider'

const [port, service] = process.argv.slice(2)
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    {
      client_id: 'mdoc-service',
      client_secret: 's3cret of the service',
      redirect_uris: [`${service}/operator/openid/callback`],
      // Where an id_token comes with a code alone.
      grant_types: ['authorization_code'],
      response_types: ['code'],
    },
  ],
  pkce: { required: () => true },
})
provider.listen(Number(port), '127.0.0.1', () => console.log('listening'))
