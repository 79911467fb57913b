export {
  type Candidate,
  compareCandidates,
  factsOf,
  isSuccessor,
  type ListedInfo,
  verifiedBy,
} from './admission.ts';
export {
  CATEGORIES,
  type Category,
  type CheckedClaims,
  isCategory,
  isTag,
  parseClaims,
  TAGS_MAX,
} from './claims.ts';
export {
  CLOCK_SKEW_SECONDS,
  ENTRY_BYTES_MAX,
  ENTRY_CONTEXT,
  type Entry,
  type EntryFault,
  FILES_MAX,
  NAME_LENGTH_MAX,
  openEntry,
  sealEntry,
} from './entry.ts';
export {
  type ExchangeFault,
  encodeListingPage,
  encodePublication,
  INFO_BYTES_MAX,
  isCursor,
  type ListingPage,
  PAGE_BYTES_MAX,
  PAGE_ITEMS_MAX,
  type PageItem,
  PUBLICATION_BYTES_MAX,
  type Publication,
  parseListingPage,
  parsePublication,
} from './exchange.ts';
export {
  type Counts,
  LIST_LIMIT_DEFAULT,
  LIST_LIMIT_MAX,
  LIST_OFFSET_MAX,
  LISTING_SORTS,
  type ListingQuery,
  type ListingRow,
  type ListingSort,
} from './row.ts';
