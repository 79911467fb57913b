"""A libtorrent session driven by JSON lines: one request a line on stdin, one answer a line on stdout.

Requests: {"do": "add", "torrent": FILE or MAGNET, "directory": DIR} and {"do": "status"}.
Arguments: LISTEN_ADDRESS:PORT UPLOAD_BYTES_PER_SECOND (0 is unlimited) [SETTINGS as JSON].
"""
import json
import sys

import libtorrent as lt


# What finds peers besides trackers: pex, lsd, dht.
SOURCES = sys.argv[4].split(',') if len(sys.argv) > 4 else []


def parameters_of(torrent):
    if torrent.startswith('magnet:'):
        return lt.parse_magnet_uri(torrent)
    parameters = lt.add_torrent_params()
    parameters.ti = lt.torrent_info(torrent)
    return parameters


def add(session, torrent, directory):
    parameters = parameters_of(torrent)
    parameters.save_path = directory
    flags = lt.torrent_flags
    if 'dht' not in SOURCES:
        parameters.flags |= flags.disable_dht
    if 'pex' not in SOURCES:
        parameters.flags |= flags.disable_pex
    if 'lsd' not in SOURCES:
        parameters.flags |= flags.disable_lsd
    parameters.flags &= ~(flags.auto_managed | flags.paused)
    return session.add_torrent(parameters)


def status_of(handle):
    status = handle.status()
    return {
        'completedBytes': status.total_done,
        'isComplete': status.is_seeding,
        'uploadedBytes': status.total_payload_upload,
        'downloadedBytes': status.total_payload_download,
        'peers': status.num_peers,
        'error': status.errc.message() if status.errc.value() else None,
    }


def session_settings():
    own = json.loads(sys.argv[3]) if len(sys.argv) > 3 else {}
    profile = lt.high_performance_seed() if own.pop('high_performance_seed', False) else {}
    return {
        **profile,
        'listen_interfaces': sys.argv[1],
        'enable_dht': 'dht' in SOURCES,
        # All nodes of a test are in one network, which on the internet would be a crowd of one person.
        'dht_restrict_routing_ips': False,
        'dht_restrict_search_ips': False,
        'enable_lsd': 'lsd' in SOURCES,
        'enable_upnp': False,
        'enable_natpmp': False,
        'upload_rate_limit': int(sys.argv[2]),
        'allow_multiple_connections_per_ip': True,
        **own,
    }


def main():
    session = lt.session(session_settings())
    handle = None
    for line in sys.stdin:
        request = json.loads(line)
        if request['do'] == 'add':
            handle = add(session, request['torrent'], request['directory'])
            answer = {}
        else:
            answer = status_of(handle) if handle else {}
        print(json.dumps(answer), flush=True)


main()
