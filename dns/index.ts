export { AnswerTable, type EncodeRecord } from './answer.ts';
export { Authority, type AuthoritySettings, type Moment } from './authority.ts';
export { AnswerBudget, type Verdict } from './budget.ts';
export { Cookies } from './cookie.ts';
export {
  CLASS_IN,
  QUERY_BYTES_MAX,
  TCP_BYTES_MAX,
  TYPE,
  UDP_BYTES_MAX,
  wireName,
} from './message.ts';
export {
  ANSWER_RECORDS_MAX,
  type AskedRecord,
  type AskedType,
  encodeQuestion,
  type NameReply,
  readNameReply,
} from './question.ts';
export { encodeNotify, isNotifyReply } from './transfer.ts';
export { type Hmac, Tsig, type TsigKey } from './tsig.ts';
export {
  buildZone,
  hostName,
  isSerialAfter,
  nextSerial,
  type RecordData,
  shuffledZone,
  withSerial,
  type Zone,
  type ZoneContent,
  type ZoneHost,
  type ZoneTerms,
  zoneKey,
} from './zone.ts';
export { type Drawn, ZoneDraw } from './zone-draw.ts';
export { delegationOf, type RecordRow, recordRows, zoneFile } from './zone-file.ts';
