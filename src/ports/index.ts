export type { AnswerDatagram, Batching, Exchange } from './datagrams.ts';
export type { ListeningPlaces, Place, PlaceKey } from './listening.ts';
export type { Owner, Ownership } from './ownership.ts';
export {
  type AnnounceBatch,
  type Arc,
  type ArcLoad,
  type HotHash,
  SWARM_FRAME_BYTES_MAX,
  type SwarmFrame,
  type SwarmKeeper,
} from './swarm-keeper.ts';
