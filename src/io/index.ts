export type { HashCounts, ListingChange, ListingChanges, StoredItem } from './listing-rows.ts';
export { type ListingStore, type ListingStoreOptions, openListingStore } from './listing-store.ts';
