/**
 * UPnP Internet Gateway Device, versions 1 and 2: the search for one (SSDP), its description, and the few SOAP actions
 * that map a port. What a device says about where it is to be asked counts only as far as it stays on that device.
 */
import { latin1, lossyTextOfUtf8, parseAddress, utf8 } from '../base/index.ts';
import type { GatewayRequest } from './mapping-attempt.ts';
import { elementsNamed, escapeXml, parseXml, textNamed, type XmlElement } from './xml.ts';

const SEARCH_TARGETS = [
  'urn:schemas-upnp-org:device:InternetGatewayDevice:2',
  'urn:schemas-upnp-org:device:InternetGatewayDevice:1',
];
const SEARCH_SECONDS = 1;
/** Services that can map ports, the best first. */
const SERVICES = [
  'urn:schemas-upnp-org:service:WANIPConnection:2',
  'urn:schemas-upnp-org:service:WANIPConnection:1',
  'urn:schemas-upnp-org:service:WANPPPConnection:1',
];
/** Connections of one device that are looked at. */
const SERVICES_MAX = 8;
const SEARCH_ANSWER_BYTES_MAX = 2048;
const URL_LENGTH_MAX = 1024;

/** A place on the gateway. */
export interface GatewayPlace {
  readonly port: number;
  readonly path: string;
}

/** A service that maps ports. */
export interface MappingService extends GatewayPlace {
  readonly type: string;
}

/** The datagrams that ask for gateways. */
export function searchDatagrams(): Uint8Array[] {
  return SEARCH_TARGETS.map((target) =>
    utf8(
      `M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: "ssdp:discover"\r\nMX: ${SEARCH_SECONDS}\r\nST: ${target}\r\n\r\n`,
    ),
  );
}

/** Where the description is, by an answer to a search; undefined when it is none, or leads away from the gateway. */
export function parseSearchAnswer(datagram: Uint8Array, gateway: string): GatewayPlace | undefined {
  if (datagram.length > SEARCH_ANSWER_BYTES_MAX) return undefined;
  const [status, ...lines] = latin1(datagram).split(/\r?\n/);
  if (!/^HTTP\/1\.[01] 200\b/.test(status!)) return undefined;
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  if (!SEARCH_TARGETS.includes(headers.get('st') ?? '')) return undefined;
  return placeOf(headers.get('location') ?? '', gateway, undefined);
}

/** The services of a description that can map ports, best first; none when it is no gateway's, or they are elsewhere. */
export function parseDescription(body: Uint8Array, gateway: string, from: GatewayPlace): MappingService[] {
  const root = parseXml(lossyTextOfUtf8(body));
  if (!root) return [];
  const baseText = textNamed(root, 'URLBase') ?? '';
  const base = baseText === '' ? from : placeOf(baseText, gateway, undefined);
  if (!base) return [];
  const services = elementsNamed(root, 'service').flatMap((service): MappingService[] => {
    const type = childText(service, 'serviceType');
    const place = placeOf(childText(service, 'controlURL'), gateway, base);
    return SERVICES.includes(type) && place ? [{ ...place, type }] : [];
  });
  return services.toSorted((a, b) => SERVICES.indexOf(a.type) - SERVICES.indexOf(b.type)).slice(0, SERVICES_MAX);
}

/** A SOAP request. */
export function soapRequest(
  { port, path, type }: MappingService,
  action: string,
  parameters: Readonly<Record<string, string | number>> = {},
): GatewayRequest {
  const inner = Object.entries(parameters)
    .map(([name, value]) => `<${name}>${escapeXml(`${value}`)}</${name}>`)
    .join('');
  const body = utf8(
    '<?xml version="1.0"?>\r\n' +
      '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/">' +
      `<s:Body><u:${action} xmlns:u="${type}">${inner}</u:${action}></s:Body></s:Envelope>\r\n`,
  );
  return { port, path, soap: { action: `"${type}#${action}"`, body } };
}

/** A SOAP answer: the values of a success, or the error's number (0 when it says none) and text. */
export type SoapAnswer =
  | { readonly isGood: true; value(name: string): string | undefined }
  | { readonly isGood: false; readonly code: number; readonly text: string };

/** Reads an answer to one of our requests. */
export function parseSoapAnswer(action: string, status: number, body: Uint8Array): SoapAnswer {
  const root = parseXml(lossyTextOfUtf8(body));
  const response = root && elementsNamed(root, `${action}Response`)[0];
  if (status === 200 && response) return { isGood: true, value: (name) => textNamed(response, name) };
  const code = Number(root && textNamed(root, 'errorCode'));
  const told = Number.isSafeInteger(code) && code > 0 ? code : 0;
  return {
    isGood: false,
    code: told,
    text: told > 0 ? `it answers with UPnP error ${told}` : 'its answer makes no sense',
  };
}

function childText(element: XmlElement, name: string): string {
  return element.children.find((child) => child.name === name)?.text ?? '';
}

/** A URL as a place on the gateway; undefined when it names another host or scheme. Relative ones need a base. */
function placeOf(url: string, gateway: string, base: GatewayPlace | undefined): GatewayPlace | undefined {
  if (url === '' || url.length > URL_LENGTH_MAX || /[^\x21-\x7e]/.test(url)) return undefined;
  const absolute = /^http:\/\/([^/?#@]+)(\/[^#]*)?$/i.exec(url);
  if (absolute) {
    const authority = absolute[1]!;
    const address = parseAddress(/:\d+$/.test(authority) ? authority : `${authority}:80`);
    return address?.host === gateway ? { port: address.port, path: absolute[2] ?? '/' } : undefined;
  }
  if (!base || url.includes('://') || url.startsWith('//')) return undefined;
  if (url.startsWith('/')) return { port: base.port, path: url };
  return { port: base.port, path: base.path.replace(/[^/]*$/, '') + url };
}
