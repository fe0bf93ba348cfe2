// A wallet by @openid4vc/openid4vci: collects what an offer leads to, and writes each document to a folder.
//
//   node wallet.mjs (code|sign-in) OFFER CODE COPIES FOLDER
//
// `code` redeems the pre-authorized code; `sign-in` opens the page as a browser would. Prints a line for each step.

import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Oauth2Client, clientAuthenticationAnonymous, clientAuthenticationNone, setGlobalConfig } from '@openid4vc/oauth2'
import { Openid4vciClient } from '@openid4vc/openid4vci'

const [way, offerLink, typed, copies, folder] = process.argv.slice(2)
const CLIENT = 'interop-wallet'
const REDIRECT = 'http://127.0.0.1/mdoc-holder'
const say = (...words) => console.log(' ', ...words)
// The service under test is on this machine, without TLS.
setGlobalConfig({ allowInsecureUrls: true })

// Keys by their thumbprints: what signs is found by the public key that the library names.
const keys = new Map()
const thumb = ({ crv, kty, x, y }) => createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url')
function newSigner() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const publicJwk = publicKey.export({ format: 'jwk' })
  keys.set(thumb(publicJwk), privateKey)
  return { method: 'jwk', alg: 'ES256', publicJwk }
}

const b64 = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')
const callbacks = {
  hash: (data, algorithm) => createHash(algorithm.replace('-', '')).update(data).digest(),
  generateRandom: (length) => randomBytes(length),
  signJwt: (signer, { header, payload }) => {
    const input = `${b64(header)}.${b64(payload)}`
    const key = keys.get(thumb(signer.publicJwk))
    const signature = sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' })
    return { jwt: `${input}.${signature.toString('base64url')}`, signerJwk: signer.publicJwk }
  },
  clientAuthentication:
    way === 'sign-in' ? clientAuthenticationNone({ clientId: CLIENT }) : clientAuthenticationAnonymous(),
  fetch,
}
const client = new Openid4vciClient({ callbacks })

const credentialOffer = await client.resolveCredentialOffer(offerLink)
const issuerMetadata = await client.resolveIssuerMetadata(credentialOffer.credential_issuer)
const [configuration] = credentialOffer.credential_configuration_ids
const known = issuerMetadata.knownCredentialConfigurations[configuration]
if (!known) throw new Error(`the library does not take the configuration ${configuration}`)
say(`offer of ${configuration} (${known.format}, ${known.doctype}) by ${credentialOffer.credential_issuer}`)

const dpop = { signer: newSigner() }
let token
if (way === 'code') {
  token = await client.retrievePreAuthorizedCodeAccessTokenFromOffer({
    credentialOffer,
    issuerMetadata,
    txCode: typed,
    dpop,
  })
} else {
  const state = randomBytes(16).toString('base64url')
  // The library's shorter way from an offer leaves `state` out.
  const begun = await new Oauth2Client({ callbacks }).createAuthorizationRequestUrl({
    authorizationServerMetadata: issuerMetadata.authorizationServers[0],
    clientId: CLIENT,
    redirectUri: REDIRECT,
    scope: known.scope,
    state,
    additionalRequestPayload: { issuer_state: credentialOffer.grants.authorization_code.issuer_state },
    dpop,
  })
  say(`pushed: ${new URL(begun.authorizationRequestUrl).searchParams.has('request_uri')}`)
  const back = await browse(begun.authorizationRequestUrl)
  const answer = client.parseAndVerifyAuthorizationResponseRedirectUrl({
    url: back,
    authorizationServerMetadata: issuerMetadata.authorizationServers[0],
  })
  if (answer.error || answer.state !== state) throw new Error(`the browser brought ${back}`)
  say('the browser brought a code')
  token = await client.retrieveAuthorizationCodeAccessTokenFromOffer({
    credentialOffer,
    issuerMetadata,
    authorizationCode: answer.code,
    pkceCodeVerifier: begun.pkce?.codeVerifier,
    redirectUri: REDIRECT,
    additionalRequestPayload: { client_id: CLIENT },
    dpop,
  })
}
const response = token.accessTokenResponse
say(`token of type ${response.token_type}, ${response.refresh_token ? 'with' : 'without'} a refresh token`)

const { c_nonce: nonce } = await client.requestNonce({ issuerMetadata })
const jwts = []
for (let copy = 0; copy < Number(copies); copy++) {
  const { jwt } = await client.createCredentialRequestJwtProof({
    issuerMetadata,
    credentialConfigurationId: configuration,
    signer: newSigner(),
    nonce,
    clientId: way === 'sign-in' ? CLIENT : undefined,
    issuedAt: new Date(),
  })
  jwts.push(jwt)
}
const given = await client.retrieveCredentials({
  issuerMetadata,
  credentialConfigurationId: configuration,
  proofs: { jwt: jwts },
  accessToken: response.access_token,
  dpop: token.dpop ?? dpop,
})
const { credentials, notification_id: notificationId } = given.credentialResponse
if (credentials.length !== Number(copies)) throw new Error(`${credentials.length} copies came`)
credentials.forEach(({ credential }, at) => {
  writeFileSync(join(folder, `${way}-${at}.cbor`), Buffer.from(credential, 'base64url'))
})
say(`${credentials.length} copies`)
await client.sendNotification({
  issuerMetadata,
  notification: { notificationId, event: 'credential_accepted' },
  accessToken: response.access_token,
  dpop: given.dpop ?? token.dpop ?? dpop,
})
say('the issuer was told that they were accepted')

/** Does what a person does in a browser: opens the page, types the code, and is sent on. */
async function browse(address) {
  const page = await fetch(address)
  const html = await page.text()
  if (!page.ok) throw new Error(html)
  const form = new URLSearchParams({ code: typed, do: 'go' })
  for (const [, name, value] of html.matchAll(/type="hidden" name="([^"]+)" value="([^"]*)"/g)) form.set(name, value)
  const [, action] = html.match(/action="([^"]+)"/)
  const sent = await fetch(action, { method: 'POST', body: form, redirect: 'manual' })
  if (sent.status !== 303) throw new Error(await sent.text())
  return sent.headers.get('location')
}
