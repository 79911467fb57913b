export { answerQuery, type CompiledZone, compileZone, type EncodeRecord, udpLimitOf } from './answer.ts';
export { AnswerBudget, type Verdict } from './budget.ts';
export {
  CLASS_IN,
  encodeTruncated,
  parseQuery,
  QUERY_BYTES_MAX,
  type Query,
  TCP_BYTES_MAX,
  TYPE,
  UDP_BYTES_MAX,
  type Unanswerable,
  wireName,
} from './message.ts';
export {
  buildZone,
  contentKey,
  nextSerial,
  type RecordData,
  TTL_SECONDS,
  type Zone,
  type ZoneContent,
  type ZoneHost,
} from './zone.ts';
