export {
  escapeHtml,
  type ListingPageView,
  listingQueryOf,
  PAGE_ROWS,
  type PageQuery,
  parsePageQuery,
  renderListingPage,
} from './listing-page.ts';
export {
  LOCAL_PAGE_POLICY,
  PUBLIC_PAGE_POLICY,
  STATIC_FILES,
  type StaticFile,
  TOKEN_PLACEHOLDER,
} from './static-files.ts';
