/** What a name of a network looks like. */
export const NETWORK_NAME: RegExp = /^[a-z0-9][a-z0-9._-]{0,31}$/;
