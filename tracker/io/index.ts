export { TrackerFront, type TrackerFrontOptions } from './tracker-front.ts';
