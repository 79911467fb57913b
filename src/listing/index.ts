export {
  type Candidate,
  compareCandidates,
  factsOf,
  isSuccessor,
  type ListedInfo,
  verifiedBy,
} from './admission.ts';
export { ASKED_ARCS_MAX, formatArcs, parseArcs } from './asked-arcs.ts';
export {
  CATEGORIES,
  type Category,
  type CheckedClaims,
  isCategory,
  isTag,
  parseClaims,
  TAGS_MAX,
} from './claims.ts';
export { COMMON_WORDS_MAX, CommonWords, SAMPLE_ROWS } from './common-words.ts';
export {
  COUNTED_HASHES_MAX,
  type CountsFault,
  encodeCounts,
  parseCountedHashes,
  parseCounts,
} from './counts-answer.ts';
export {
  DENY_PATTERNS_MAX,
  DENY_RULES_MAX,
  type DenyFacts,
  DenyList,
  type HashOfHash,
  linesBesides,
  ONLY_PUBLISHERS_MAX,
} from './deny-list.ts';
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
  FILTER_LIST_BYTES_MAX,
  FILTER_LIST_CONTEXT,
  FILTER_TITLE_LENGTH_MAX,
  type FilterList,
  type FilterListFault,
  openFilterList,
  placeOfFilterList,
  sealFilterList,
} from './filter-list.ts';
export { nameKeysOf, nameTextOf } from './name-order.ts';
export { combineCounts, OBSERVATIONS_MAX, type Observation, withObservation } from './observed-counts.ts';
export { OFFERS_MAX, type Offer, type OfferOutcome, OfferPlan, OWN_ENTRIES_MAX } from './offer-plan.ts';
export {
  LIST_LIMIT_DEFAULT,
  LIST_LIMIT_MAX,
  LIST_OFFSET_MAX,
  LISTING_SORTS,
  type ListingAnswer,
  type ListingFilters,
  type ListingQuery,
  type ListingSort,
  listingParameters,
  parseListingQuery,
  type QueryFault,
  SEARCH_LENGTH_MAX,
} from './query.ts';
export type { Counts, ListingRow } from './row.ts';
export { type FigureFilter, RowColumns, type RowFigures, type Selection } from './row-columns.ts';
export { RowSet } from './row-set.ts';
export {
  hashPrefixOf,
  parseSearch,
  type SearchTerm,
  type SearchText,
  TERMS_MAX,
} from './search-text.ts';
export { type OrderLevel, PartSelector } from './selection.ts';
export {
  GAPS_MAX,
  PULLS_MAX,
  type PullRequest,
  type PullResult,
  SYNC_SCOPES,
  SYNC_SOURCES_MAX,
  type SyncBudget,
  SyncPlan,
  type SyncScope,
} from './sync-plan.ts';
export {
  BEGINNING_QUALITY,
  HOLDING_QUALITY,
  matchQuality,
  Phrase,
  type Readings,
  type ReadTerm,
  type RowWords,
  TYPO_QUALITY,
} from './text-match.ts';
export { editsBetween, NEAR_MAX, type NearWord, VOCABULARY_MAX, Vocabulary } from './vocabulary.ts';
export { foldText, WORD_LENGTH_MAX, WORDS_MAX, wordsOf } from './words.ts';
export { WORTH_STEPS, worthOf } from './worth.ts';
