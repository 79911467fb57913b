export function formatSize(bytes: number): string;
export function formatRate(bytesPerSecond: number): string;
export function formatAge(seconds: number): string;
export function formatLeft(seconds: number): string;
export function formatCount(count: number | null): string;
export function isNew(added: number, nowSeconds: number): boolean;
export function shortHex(hex: string): string;
export function magnetOf(infoHash: string, name: string, announceUrl?: string): string;
