/** Which overlay the world runs: the one import to change. */
export { encodeMessage, FakeOverlay as Overlay, parseMessage, rememberedOf } from './fake-overlay.ts';
