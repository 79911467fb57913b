export { NETWORK_NAME } from './network-name.ts';
export {
  type Config,
  encryptionOf,
  type IntegerOption,
  OPTION_NAMES,
  OPTIONS,
  type Option,
  type OptionName,
  variableOf,
} from './options.ts';
export { parseRate } from './rate.ts';
export { expectation, type Origin, parseOptionValue, type Resolved, resolveConfig, type Sources } from './resolve.ts';
