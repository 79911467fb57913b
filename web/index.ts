export { isPlayable, mediaTypeOf } from './media-type.ts';
export { escapeHtml } from './public/html.ts';
export { type ListingPageView, renderListingPage } from './public/listing-page.ts';
export { listingQueryOf, PAGE_ROWS, type PageQuery, parsePageQuery } from './public/page-query.ts';
export {
  LOCAL_PAGE_POLICY,
  PUBLIC_PAGE_POLICY,
  PUBLIC_STYLE,
  STATIC_FILES,
  type StaticFile,
  TOKEN_PLACEHOLDER,
} from './static-files.ts';
