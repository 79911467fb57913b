/** Runs a file of a build with all that it imports, and returns what it exports. */
export declare function loadBuilt(path: string): Promise<object>;
export declare function loadThread(url: string): Promise<void>;
