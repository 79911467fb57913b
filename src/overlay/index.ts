export {
  type Capacity,
  CLOCK_SKEW_SECONDS,
  type Descriptor,
  type DescriptorFault,
  type DescriptorRules,
  GENESIS_TERM,
  LIFETIME_MAX_SECONDS,
  openDescriptor,
  ROLE_ANSWERS_DNS,
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
export { type Range, Ring } from './ring.ts';
export type { Token } from './token.ts';
export { type Offered, ownershipOf, SUPERNODES_MAX, View } from './view.ts';
