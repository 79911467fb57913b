/**
 * What this node shows in a TLS handshake. TLS 1.3 only, both sides present a certificate, and no authority is asked:
 * the handshake proves that the peer has the key of its certificate, and that key is its node id. Browsers and curl,
 * which do not put Ed25519 first, are shown a P-256 certificate instead that says nothing of this node.
 */
import { constants, randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { createSecureContext, type SecureContext, type SecureContextOptions, TLSSocket } from 'node:tls';
import type { NodeId } from '../base/index.ts';
import { CERTIFICATE_SERIAL_BYTES, nodeIdOfSpki, selfSignedCertificate, spkiOfNodeId } from '../link/index.ts';
import type { Identity } from './identity.ts';
import { CERTIFICATE_NAME, type KeyedCertificate, makeWebCertificate, pem } from './web-certificate.ts';

/** Ed25519 first is how a node asks for a node's certificate. The rest is what any web client offers. */
const SIGNATURE_ALGORITHMS =
  'ed25519:ecdsa_secp256r1_sha256:rsa_pss_rsae_sha256:ecdsa_secp384r1_sha384:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512';
/** The order of browsers: the first is some 15 % faster than the second, and each is enough. */
const CIPHERS = 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256';
/** What HTTP over TLS says; all that a node speaks inside looks like that from outside. */
export const WEB_PROTOCOLS: readonly string[] = ['http/1.1'];

/** The two roles of one node in TLS. */
export interface NodeTls {
  /** For accepted connections: what `tls.createServer` takes. */
  readonly server: SecureContextOptions;
  /** For dialled connections. */
  readonly client: SecureContext;
}

/** Makes what a node needs for both roles; `web` is shown to whoever does not ask for a node. */
export function makeNodeTls(identity: Identity, web: KeyedCertificate = makeWebCertificate()): NodeTls {
  const own = nodeCertificate(identity);
  // Without tickets no session outlives its connection, so that every connection proves its key anew.
  const rules = {
    minVersion: 'TLSv1.3',
    sigalgs: SIGNATURE_ALGORITHMS,
    ciphers: CIPHERS,
    secureOptions: constants.SSL_OP_NO_TICKET,
  } as const;
  return {
    // Whose order counts is the client's: only who asks for Ed25519 first is shown this node's key.
    server: { ...rules, cert: [own.cert, web.cert], key: [own.key, web.key], honorCipherOrder: false },
    client: createSecureContext({ ...rules, ...own }),
  };
}

/** The node at the other end of a connection, once its TLS handshake is done; undefined when none is proven. */
export function nodeIdOf(socket: Socket): NodeId | undefined {
  if (!(socket instanceof TLSSocket)) return undefined;
  const key = socket.getPeerX509Certificate()?.publicKey;
  return key?.asymmetricKeyType === 'ed25519' ? nodeIdOfSpki(key.export({ format: 'der', type: 'spki' })) : undefined;
}

function nodeCertificate({ nodeId, sign, secretKey }: Identity): KeyedCertificate {
  const serial = randomBytes(CERTIFICATE_SERIAL_BYTES);
  const facts = { algorithm: 'ed25519', publicKey: spkiOfNodeId(nodeId), serial, name: CERTIFICATE_NAME } as const;
  return { cert: pem('CERTIFICATE', selfSignedCertificate(facts, sign)), key: pem('PRIVATE KEY', secretKey()) };
}
