# SPDX-License-Identifier: MIT
"""bench.py VIA [PEER...]: every mode of via bench, shortly.

What a figure is depends on the machine; that it is there, agrees with the
others and that nothing is left behind does not.
"""
import csv
import io
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import traceback

VIA, PEERS = sys.argv[1], sys.argv[2:]
QUICK = ['--time', '2ms', '--rounds', '2']
DIR = pathlib.Path(tempfile.gettempdir())


class Skip(Exception):
    pass


def bench(*args, status=0):
    """What it said: to stdout, and to stderr."""
    done = subprocess.run([VIA, 'bench', *args], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == status, (done.returncode, done.stderr)
    return done.stdout, done.stderr


def rows(*args, status=0):
    report = json.loads(bench('--json', *QUICK, *args, status=status)[0])
    assert report['schema'] == 1
    return report['rows']


def check_spread(spread):
    assert 0 < spread['min'] <= spread['median'] <= spread['max'], spread


def check_latency(latency):
    order = ['min', 'p50', 'p90', 'p99', 'p99_9', 'p99_99', 'max']
    values = [latency[name] for name in order]
    assert values == sorted(values), latency
    assert latency['n'] == sum(n for _, n in latency['slots']) > 0


def check_lines(row):
    """Between the ratios of the rounds lies that of the row."""
    for of in ('line', 'pair'):
        ratios = [2 * r['p50_ns'] /
                  (r[of + '_before_ns'] + r[of + '_after_ns'])
                  for r in row['rounds']]
        assert min(ratios) * 0.999 <= row[of + '_ratio'] <= max(ratios) * 1.001


def check_row(row):
    assert row['error'] is None and row['verified'], row['error']
    check_spread(row['messages_per_s'])
    check_spread(row['bytes_per_s'])
    assert row['cpu']['sender'] >= 0 and row['cpu']['receiver'] >= 0
    for entry in row['rounds']:
        assert entry['messages'] > 0 and entry['ns'] > 0
        assert entry['distance'] in ('near', 'far', 'moved', 'unknown')
        if row['mode'] != 'carry':
            assert entry['bytes'] == entry['messages'] * row['size']
    if row['mode'] in ('latency', 'paced'):
        check_spread(row['p50_ns'])
        check_latency(row['latency_ns'])
    if 'line_ratio' in row:
        check_lines(row)


def every_mechanism_has_its_row():
    found = rows('--throughput', '--size', '64')
    listed = json.loads(subprocess.check_output([VIA, 'mechanisms', '--json']))
    schemes = {m['scheme'] for m in listed['mechanisms']}
    measured = {r['name'].split()[0] for r in found if r['engine'] == 'via'}
    assert schemes == measured, (schemes, measured)
    for row in found:
        check_row(row)
        assert len(row['rounds']) == 2


def every_row_has_its_counterpart():
    found = rows('--throughput', '--size', '64', '--size', '70000')
    by_hand = {(r['name'], r['size']) for r in found if r['wait'] == 'own'}
    assert by_hand == {(r['name'], r['size']) for r in found}
    assert any('bare_ratio' in r for r in found)


def latency_is_measured_in_every_way_of_waiting():
    found = rows('--latency', f'unix:{DIR}/a?type=seqpacket')
    assert [r['wait'] for r in found] == ['adaptive', 'sleep', 'spin', 'own']
    assert found[-1]['engine'] == 'bare seqpacket'
    for row in found:
        check_row(row)
        assert 'line_ratio' in row or len(os.sched_getaffinity(0)) == 1


def a_scheme_stands_for_its_variants():
    found = rows('--throughput', '--size', '64', 'unix:', 'shm:')
    names = [r['name'] for r in found if r['engine'] == 'via']
    assert names == ['unix', 'unix seqpacket', 'unix dgram', 'shm'], names
    for row in found:
        check_row(row)


def a_url_may_say_how_to_wait():
    found = rows('--latency', f'unix:{DIR}/a?spin=1ms')
    assert len(found) == 2
    for row in found:
        check_row(row)


def paced_keeps_its_pace():
    found = rows('--paced', '5000', '--wait', 'sleep', '--time', '100ms',
                 'pipe:')
    assert [r['wait'] for r in found] == ['sleep', 'own']
    for row in found:
        check_row(row)
        assert all(490 <= e['messages'] <= 510 for e in row['rounds'])


def batches_carry_the_same_messages():
    via, by_hand = rows('--throughput', '--batch', '8', '--size', '100',
                        'unix:@via-bench-batch-%d' % os.getpid())
    check_row(via)
    assert via['batch'] == 8 and by_hand['batch'] == 1


def carried_files_have_the_same_sums():
    path = DIR / 'file'
    path.write_bytes(bytes(range(251)) * 1000 + b'odd end')
    found = rows('--file', str(path), '--size', '4096')
    path.unlink()
    carried = [r for r in found if r['mode'] == 'carry']
    assert {r['xxh64'] for r in carried} == {'51ca63df43ce1cbe'}
    assert {r['name'] for r in carried} == {r['name'] for r in found}
    for row in found:
        check_row(row)


def csv_has_a_line_for_each_row():
    text, _ = bench('--csv', *QUICK, '--throughput', '--size', '64')
    lines = list(csv.DictReader(io.StringIO(text, newline='')))
    assert len(lines) > 6
    for line in lines:
        assert None not in line and None not in line.values()
        assert line['verified'] == 'yes'
        assert float(line['messages_per_s_median']) > 0


def the_table_names_each_row():
    text, _ = bench(*QUICK, '--throughput', '--latency', 'pipe:')
    assert text.count('\npipe ') == 5 + 3, text


def html_is_one_page_with_the_report():
    page = DIR / 'page.html'
    bench('--html', str(page), *QUICK, '--latency', 'pipe:',
          f'fifo:{DIR}/<!--<script>')
    text = page.read_text()
    page.unlink()
    report = text.split('id="report">')[1].split('</script>')[0]
    assert len(json.loads(report)['rows']) == 8 and '<' not in report
    assert 'src=' not in text and 'href=' not in text and 'url(' not in text


def given_names_are_taken_away_again():
    rows('--latency', '--wait', 'sleep', f'fifo:{DIR}/f', f'unix:{DIR}/u',
         'tcp:127.0.0.1:0')
    assert not list(DIR.iterdir()), list(DIR.iterdir())
    fifo = DIR / 'kept'
    os.mkfifo(fifo, 0o600)
    rows('--throughput', '--size', '64', f'fifo:{fifo}')
    fifo.unlink()


def a_row_that_fails_does_not_stop_the_others():
    found = rows('--throughput', '--size', '64', f'unix:{DIR}/no/dir', 'pipe:',
                 status=1)
    assert 'no/dir' in found[0]['error'] and not found[0]['rounds'], found[0]
    for row in found[1:]:
        check_row(row)


REPORT = ('schema via date machine line_ns pair_ns settings rows',
          'cpu cpus virtual kernel governor clocksource clock_ns mitigations '
          'load pinned',
          'rounds time_ns warmup_ns batch paced_per_s file')
FIRST = ['name', 'engine', 'work', 'mode', 'wait', 'size', 'batch', 'verified',
         'error', 'messages_per_s', 'bytes_per_s', 'cpu']
LATENCY = ('n', 'min', 'mean', 'p50', 'p90', 'p99', 'p99_9', 'p99_99', 'max',
           'slots')
ROUND = ('messages', 'bytes', 'ns', 'wall_ns', 'cpu_ns', 'p50_ns',
         'line_before_ns', 'line_after_ns', 'pair_before_ns', 'pair_after_ns',
         'distance')


def keys_of(entry, *keys):
    assert list(entry) == list(keys), list(entry)


def keys_are_the_documented_ones():
    report = json.loads(bench('--json', *QUICK, '--latency', '--throughput',
                              '--size', '64', 'pipe:')[0])
    for entry, keys in zip((report, report['machine'], report['settings']),
                           REPORT):
        keys_of(entry, *keys.split())
    for row in report['rows']:
        more = [k for k in row if k.endswith('ratio') or 'distance' in k]
        if row['mode'] == 'latency':
            more = ['p50_ns', 'latency_ns'] + more
            keys_of(row['latency_ns'], *LATENCY)
        keys_of(row, *FIRST, *more, 'rounds')
        keys_of(row['cpu'], 'sender', 'receiver')
        keys_of(row['bytes_per_s'], 'min', 'median', 'max')
        keys_of(row['rounds'][0], *ROUND)
    known = {'line_ratio', 'pair_ratio', 'bare_ratio', 'bare_ratio_distance'}
    assert set(more[2:]) <= known, more


def bytes_that_are_no_text_are_told():
    name = os.fsencode(DIR) + b'/f<\xff"'
    found = subprocess.run([VIA, 'bench', '--json', *QUICK, '--throughput',
                            '--size', '64', b'fifo:' + name],
                           stdout=subprocess.PIPE, check=True).stdout
    told = json.loads(found)['rows'][0]['name']
    assert told == f'fifo:{DIR}/f<?"', told


def subjects_have_rows():
    for subject, n, *more in [('sync', 9, '--time', '1ms'), ('spawn', 3),
                              ('inspect', 24)]:
        said, _ = bench(subject, '--json', '--rounds', '1', *more)
        report = json.loads(said, parse_constant=int)
        keys_of(report, 'schema', 'via', 'machine', 'rounds', 'rows')
        assert len(report['rows']) == n, said
        for row in report['rows']:
            keys_of(row, 'how', 'name', 'unit', 'via', 'beside', 'other',
                    'ratio', 'ratio_min', 'ratio_max')
            # Of BPF there is none without the right to, and two who are not
            # on a CPU together hand nothing over.
            assert (row['via'] or 0) > 0 or 'BPF' in row['name'] or \
                row['how'] in ('handovers', 'together'), row


def mistakes_are_told():
    for args, status, words in [
            (['--size', '8'], 2, 'at least 24'),
            (['--wait', 'often'], 2, 'adaptive, sleep or spin'),
            (['--json', '--csv'], 2, 'not both'),
            (['--batch', '1000'], 1, '1 to 256'),
            (['pipe:?' + 'x' * 500], 1, 'an URL has at most'),
            (['--rounds', '5000'], 1, '1 to 1000'),
            (['sync', '--csv'], 2, 'sync takes only --rounds'),
            (['spawn', '--size', '64'], 2, 'spawn takes only --rounds'),
            (['inspect', '--time', '1s'], 2, 'without --time'),
            (['sync', '--rounds', '5000'], 1, '1 to 1000'),
            (['--file', f'{DIR}/none'], 1, 'No such file'),
            (['--html', f'{DIR}/no/page', '--latency', *QUICK, 'pipe:'], 1,
             'no/page: No such file')]:
        _, said = bench(*args, status=status)
        assert words in said and said.count('\n') <= 2, said


def children(pid):
    path = pathlib.Path(f'/proc/{pid}/task/{pid}/children')
    return [int(word) for word in path.read_text().split()]


def started(*args):
    """A benchmark whose two sides are running."""
    running = subprocess.Popen([VIA, 'bench', '--json', *args], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while len(children(running.pid)) < 2:
        assert running.poll() is None
        os.sched_yield()
    return running


def ctrl_c_leaves_nothing():
    running = started('--latency', '--time', '20s', f'fifo:{DIR}/f')
    running.send_signal(signal.SIGINT)
    out, _ = running.communicate()
    assert running.returncode == 130 and not out
    assert not list(DIR.iterdir()), list(DIR.iterdir())


def a_dead_side_is_told():
    running = started('--throughput', '--size', '64', '--time', '500ms',
                      '--rounds', '1', 'pipe:')
    os.kill(children(running.pid)[0], signal.SIGKILL)
    out, _ = running.communicate()
    assert running.returncode == 1
    killed, by_hand = json.loads(out)['rows']
    assert killed['error'] == 'the sender died: Killed', killed
    assert not killed['verified'] and not killed['rounds']
    check_row(by_hand)


def peers_are_in_the_same_table():
    if not PEERS:
        raise Skip('via-bench-peers is not built')
    found = rows('--peers', '--latency', '--throughput', '--size', '64',
                 'pipe:')
    peers = [r for r in found if r['engine'] == r['name']]
    assert len(peers) == 2 * 4
    for row in peers:
        if row['engine'] in PEERS:
            check_row(row)
        else:
            assert row['error'] == row['engine'] + ' is not built in'


TESTS = [
    every_mechanism_has_its_row,
    every_row_has_its_counterpart,
    latency_is_measured_in_every_way_of_waiting,
    a_scheme_stands_for_its_variants,
    a_url_may_say_how_to_wait,
    a_url_may_say_how_to_wait,
    paced_keeps_its_pace,
    batches_carry_the_same_messages,
    carried_files_have_the_same_sums,
    csv_has_a_line_for_each_row,
    the_table_names_each_row,
    html_is_one_page_with_the_report,
    given_names_are_taken_away_again,
    a_row_that_fails_does_not_stop_the_others,
    keys_are_the_documented_ones,
    bytes_that_are_no_text_are_told,
    subjects_have_rows,
    mistakes_are_told,
    ctrl_c_leaves_nothing,
    a_dead_side_is_told,
    peers_are_in_the_same_table,
]


def main():
    bad = 0
    print(f'1..{len(TESTS)}', flush=True)
    for number, test in enumerate(TESTS, 1):
        said = f'ok {number} - {test.__name__}'
        try:
            test()
        except Skip as why:
            said += f' # SKIP {why}'
        except Exception:
            traceback.print_exc()
            said = 'not ' + said
            bad += 1
        print(said, flush=True)
    return bad > 0


sys.exit(main())
