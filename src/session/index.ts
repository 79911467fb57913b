export { admittedDownloads, type Placed, type QueuedDownload, renumbered } from './download-queue.ts';
export { LinkBudget } from './link-budget.ts';
export { Throttle, type ThrottleGrant, type ThrottleInput } from './throttle.ts';
