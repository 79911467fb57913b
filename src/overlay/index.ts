export { missingOf } from './arcs.ts';
export { countedAs } from './asker.ts';
export {
  CERTIFICATE_SECONDS,
  type Certificate,
  certificateOf,
  QUORUM,
  RENEWAL_SECONDS,
  type Vote,
  votedBytes,
  WITNESSES,
  witnessPosition,
} from './certificate.ts';
export {
  type Capacity,
  CLOCK_SKEW_SECONDS,
  type Descriptor,
  type DescriptorFault,
  type DescriptorRules,
  LIFETIME_MAX_SECONDS,
  openDescriptor,
  type ReadDescriptor,
  ROLE_ANSWERS_DNS,
  ROLE_LEAVES,
  readDescriptor,
  type Statement,
  sealDescriptor,
} from './descriptor.ts';
export {
  EXCHANGE_BYTES_MAX,
  EXCHANGE_DESCRIPTORS_MAX,
  type Exchange,
  type ExchangeFault,
  encodeExchange,
  parseExchange,
} from './exchange.ts';
export {
  CONTACTS_MAX,
  CONTACTS_PER_KIND_MAX,
  type FirstContact,
  FirstContacts,
  NAMED_MAX,
  networkOf,
  SOURCE_KINDS,
  type SourceKind,
} from './first-contacts.ts';
export {
  GRANT_SECONDS,
  type Grant,
  openGrant,
  openSealedGrant,
  receiptOf,
  sealGrant,
  signedGrant,
  takenBytes,
} from './grant.ts';
export { ANCHORS, HOSTS_MAX, HOSTS_PER_NETWORK_MAX, HostCache, type HostName, type KnownHost } from './host-cache.ts';
export {
  formatHostList,
  LIST_LENGTH_MAX,
  LISTED_MAX,
  type ListedHost,
  linesOfJson,
  parseHostList,
} from './host-list.ts';
export { keptRanges } from './kept-ranges.ts';
export type { OverlayMessage } from './message.ts';
export { encodeMessage, MESSAGE_BYTES_MAX, type MessageFault, parseMessage } from './message-codec.ts';
export { Overlay } from './overlay.ts';
export type {
  Contact,
  OverlayEffect,
  OverlayEvent,
  OverlayInput,
  OverlayRole,
  OverlaySettings,
  Placement,
} from './overlay-facts.ts';
export { unletter } from './record-names.ts';
export { OWNERS, type Range, Ring } from './ring.ts';
export type { Phase } from './standing.ts';
export { subnetOf } from './subnet.ts';
export { genesisSeat, OWN_TOKENS_MAX, ownTokensFor, type Seat, type Token, tokensOf } from './token.ts';
export { type Offered, SUPERNODES_MAX, View } from './view.ts';
export { openWidening, sealWidening, WIDENING_SECONDS, type Widening } from './widening.ts';
export {
  encodeZoneText,
  parseZoneText,
  ZONE_TEXT_RECORDS_MAX,
  type ZoneText,
  type ZoneTextFault,
  zoneTextLength,
} from './zone-text.ts';
