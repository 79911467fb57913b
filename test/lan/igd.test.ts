// UPnP-IGD: where a device is found, what its description offers, and that neither leads away from the gateway.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8 } from '../../src/base/index.ts';
import {
  type GatewayPlace,
  parseDescription,
  parseSearchAnswer,
  parseSoapAnswer,
  searchDatagrams,
  soapRequest,
} from '../../src/lan/igd.ts';

const GATEWAY = '192.168.1.1';
const FROM: GatewayPlace = { port: 5000, path: '/desc/root.xml' };
const IP1 = 'urn:schemas-upnp-org:service:WANIPConnection:1';
const IP2 = 'urn:schemas-upnp-org:service:WANIPConnection:2';
const PPP = 'urn:schemas-upnp-org:service:WANPPPConnection:1';

const answer = (location: string, target = 'urn:schemas-upnp-org:device:InternetGatewayDevice:1'): Uint8Array =>
  utf8(`HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=120\r\nst: ${target}\r\nLocation:  ${location} \r\n\r\n`);
const service = (type: string, url: string): string =>
  `<service><serviceType>${type}</serviceType><controlURL>${url}</controlURL></service>`;
const description = (inner: string): Uint8Array =>
  utf8(`<?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0">${inner}</root>`);

test('a search asks for both versions by multicast', () => {
  const texts = searchDatagrams().map((bytes) => new TextDecoder().decode(bytes));
  assert.equal(texts.length, 2);
  for (const text of texts)
    assert.match(text, /^M-SEARCH \* HTTP\/1\.1\r\nHOST: 239\.255\.255\.250:1900\r\n[\s\S]*\r\n\r\n$/);
});

test('an answer names a place on the gateway; one that leads to anybody else is none', () => {
  assert.deepEqual(parseSearchAnswer(answer('http://192.168.1.1:5000/a?b'), GATEWAY), { port: 5000, path: '/a?b' });
  assert.deepEqual(parseSearchAnswer(answer('http://192.168.1.1'), GATEWAY), { port: 80, path: '/' });
  for (const location of [
    'http://192.168.1.2:5000/a',
    'http://169.254.169.254/latest',
    'http://localhost/',
    'http://router.example/',
    'http://192.168.1.1@10.0.0.1/',
    'http://10.0.0.1#@192.168.1.1/',
    'https://192.168.1.1/',
    'ftp://192.168.1.1/',
    'http://192.168.1.1:0/',
    'http://192.168.1.1:99999/',
    'http://[::1]/',
    '//192.168.1.1/',
    '/a',
    '',
    `http://192.168.1.1/${'a'.repeat(2000)}`,
  ]) {
    assert.equal(parseSearchAnswer(answer(location), GATEWAY), undefined, location);
  }
  assert.equal(parseSearchAnswer(answer('http://192.168.1.1/', 'upnp:rootdevice'), GATEWAY), undefined);
  assert.equal(parseSearchAnswer(utf8('NOTIFY * HTTP/1.1\r\n\r\n'), GATEWAY), undefined);
});

test('a description offers its mapping services, the newest first, as far as they are on the gateway', () => {
  const services = [service(PPP, 'ppp'), service(IP1, '/ip1'), service(IP2, 'http://192.168.1.1:6000/ip2')].join('');
  const nested = `<device><serviceList>${service('urn:other', '/x')}</serviceList><deviceList><device><serviceList>${services}</serviceList></device></deviceList></device>`;
  assert.deepEqual(parseDescription(description(nested), GATEWAY, FROM), [
    { port: 6000, path: '/ip2', type: IP2 },
    { port: 5000, path: '/ip1', type: IP1 },
    { port: 5000, path: '/desc/ppp', type: PPP },
  ]);
  const based = `<URLBase>http://192.168.1.1:49000</URLBase>${service(IP1, '/up')}`;
  assert.deepEqual(parseDescription(description(based), GATEWAY, FROM), [{ port: 49_000, path: '/up', type: IP1 }]);
  for (const inner of [
    service(IP1, 'http://10.0.0.1/admin'),
    service(IP1, '//10.0.0.1/admin'),
    service(IP1, ''),
    service(IP1, '/a b'),
    `<URLBase>http://10.0.0.1/</URLBase>${service(IP1, '/up')}`,
    '<!DOCTYPE x>',
  ]) {
    assert.deepEqual(parseDescription(description(inner), GATEWAY, FROM), [], inner);
  }
});

test('a request is escaped, and an answer is values or the error that the device names', () => {
  const { soap, path } = soapRequest({ port: 1, path: '/c', type: IP1 }, 'AddPortMapping', {
    NewPortMappingDescription: '<&',
  });
  assert.equal(path, '/c');
  assert.equal(soap?.action, `"${IP1}#AddPortMapping"`);
  assert.match(
    new TextDecoder().decode(soap.body),
    /<NewPortMappingDescription>&#60;&#38;<\/NewPortMappingDescription>/,
  );
  const good = parseSoapAnswer('Get', 200, utf8('<E><B><u:GetResponse><A>5.6.7.8</A></u:GetResponse></B></E>'));
  assert.equal(good.isGood && good.value('A'), '5.6.7.8');
  const fault = utf8('<E><B><Fault><detail><UPnPError><errorCode>718</errorCode></UPnPError></detail></Fault></B></E>');
  assert.deepEqual(parseSoapAnswer('Get', 500, fault), {
    isGood: false,
    code: 718,
    text: 'it answers with UPnP error 718',
  });
  for (const body of ['', '<E/>', 'nonsense', '<E><errorCode>x</errorCode></E>'])
    assert.deepEqual(parseSoapAnswer('Get', 200, utf8(body)), {
      isGood: false,
      code: 0,
      text: 'its answer makes no sense',
    });
});
