export type { Owner, Ownership } from './ownership.ts';
