/** Milliseconds since the epoch, and bytes. */
export type Stamp = readonly [mtimeMs: number, size: number];
/** The shape of `dist/program/current.json`. */
export interface BuildRecord {
  readonly folder: string;
  /** Paths from ROOT, with what `stampOf` said of them before the build read them. */
  readonly sources: Readonly<Record<string, Stamp>>;
  /** The same of sources that only a process with a node in it runs. */
  readonly ofNodes: Readonly<Record<string, Stamp>>;
}
export declare const ROOT: string;
export declare const BUILDS: string;
export declare const RECORD: string;
export declare function stampOf(path: string): Stamp;
export declare function currentBuild(startsNode?: boolean): string | undefined;
