export {
  type Address,
  encodeCompactAddress,
  formatAddress,
  formatIp,
  isHearsayPort,
  isSameAddress,
  parseAddress,
  parseCompactAddress,
  parseIp,
  prefixOfIp,
  type Reach,
  reachOf,
  reachOfIp,
  sourceOf,
  sourceOfIp,
} from './address.ts';
export { assert, unreachable } from './assert.ts';
export {
  type BencodeDict,
  type BencodeFault,
  type BencodeInput,
  type BencodeValue,
  bencodeSteps,
  type DecodedPrefix,
  decodeBencode,
  decodeBencodePrefix,
  encodeBencode,
} from './bencode.ts';
export { makeRoom } from './bounded.ts';
export { Budget, type BudgetLimits, SourceBudgets } from './budget.ts';
export {
  base64url,
  bytesOfBase64url,
  bytesOfHex,
  bytesOfLatin1,
  concatBytes,
  equalBytes,
  hex,
  latin1,
  lossyTextOfUtf8,
  readUint16,
  readUint32,
  textOfUtf8,
  utf8,
  writeUint32,
} from './bytes.ts';
export { Fault, fault, isFault, publicFault } from './fault.ts';
export {
  INFO_HASH_BYTES,
  type InfoHash,
  infoHashBytes,
  infoHashOfBytes,
  NODE_ID_BYTES,
  type NodeId,
  nodeIdBytes,
  nodeIdOfBytes,
  parseInfoHash,
  parseNodeId,
} from './ids.ts';
export { earliest, following, type Instant, instant, later, type WallSeconds, wallSeconds } from './instant.ts';
export type { Deadline, Machine } from './machine.ts';
export { MonsoonError, type MonsoonErrorCode, textOfError } from './monsoon-error.ts';
export { type NodeAt, nodeOfUrl, nodeOrigin } from './node-origin.ts';
export { jittered, type Random, randomBelow, sampleOf, seededRandom, shuffled } from './random.ts';
export {
  forged,
  openRecord,
  RECORD_BYTES_MAX,
  type RecordFault,
  readRecord,
  type Sign,
  sealRecord,
  type Verify,
} from './sealed-record.ts';
export type { Sha1 } from './sha1.ts';
export { finish, type Steps } from './steps.ts';
export { cleanText, INVISIBLE } from './text.ts';
