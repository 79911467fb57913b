export { admittedDownloads, type Placed, type QueuedDownload, renumbered } from './download-queue.ts';
export {
  IDLE_LINK_MS,
  type LinkBounds,
  LinkBudget,
  type LinkPlace,
  nodeLinkBounds,
  type PlaceHolder,
} from './link-budget.ts';
export { Throttle, type ThrottleGrant, type ThrottleInput } from './throttle.ts';
