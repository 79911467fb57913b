export {
  CERTIFICATE_SERIAL_BYTES,
  type CertificateFacts,
  nodeIdOfSpki,
  pkcs8OfSeed,
  selfSignedCertificate,
  spkiOfNodeId,
} from './certificate.ts';
export {
  type KeyExchange,
  type MseAnswers,
  type MseFault,
  type MseHandshake,
  MseInitiator,
  type MseMethod,
  type MseOutcome,
  MseResponder,
  type MseStep,
  type MseTools,
  PADDING_BYTES_MAX,
  PUBLIC_KEY_BYTES,
  req2Hash,
} from './mse.ts';
export {
  acceptedMethods,
  type DialStep,
  dialOrder,
  type EncryptionPolicy,
  type LinkEncryption,
  type LinkKind,
  mayBegin,
} from './policy.ts';
export { RC4_DISCARDED_BYTES, Rc4, type Rc4Engine, type Rc4Position, rc4StateOf, type StreamCipher } from './rc4.ts';
