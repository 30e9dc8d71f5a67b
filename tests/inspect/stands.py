# SPDX-License-Identifier: MIT
"""stands.py VIA_MK I/N: each situation is as it says, by /proc alone.

What it says who holds is what /proc has; who is said to stand still has not run
between two looks; nothing is there afterwards.
"""
import os
import sys

import factory


def read(path):
    try:
        with open(path, encoding='utf-8', errors='replace') as file:
            return file.read()
    except OSError:
        return ''


def state(task):
    stat = read(f'/proc/{task["pid"]}/task/{task["tid"]}/stat')
    return stat.rpartition(')')[2].strip()[:1]


def switches(task):
    status = read(f'/proc/{task["pid"]}/task/{task["tid"]}/status')
    return [line for line in status.splitlines() if 'ctxt_switches' in line]


def descriptor(holder):
    """dev, ino and flags of a descriptor, or None."""
    path = f'/proc/{holder["pid"]}/fd/{holder["fd"]}'
    try:
        st = os.stat(path)
        mode = os.lstat(path).st_mode
    except OSError:
        return None
    flags = ('r' if mode & 0o400 else '') + ('w' if mode & 0o200 else '')
    return st.st_dev, st.st_ino, flags


def hold_faults(thing, holder):
    if holder['how'] == 'map':
        maps = read(f'/proc/{holder["pid"]}/maps')
        if not any(line.split()[4] == str(thing['ino'])
                   for line in maps.splitlines()):
            yield f'{holder["role"]} does not map {thing["kind"]}'
    if holder['how'] != 'fd':
        return
    there = descriptor(holder)
    if not there:
        yield f'{holder["role"]} has no descriptor {holder["fd"]}'
        return
    if there[2] != holder['flags']:
        yield f'{holder["role"]} has {holder["fd"]} for {there[2]}'
    if thing['kind'] in ('pipe', 'fifo', 'file', 'mq', 'unix', 'tcp', 'udp',
                         'memfd', 'posixshm') and there[1] != thing['ino']:
        yield f'{holder["role"]}\'s {holder["fd"]} is another {thing["kind"]}'


def faults(truth):
    tasks = truth['tasks']
    if not tasks and not truth['findings']:
        yield 'nobody is in it'
    for task in tasks:
        if not truth['moves'] and state(task) != task['state']:
            yield f'{task["role"]} is not {task["state"]} but {state(task)}'
        if read(f'/proc/{task["tid"]}/comm').removesuffix('\n') \
                != task['role']:
            yield f'{task["role"]} has another name'
    for thing in truth['objects']:
        for holder in thing['holders']:
            yield from hold_faults(thing, holder)
    if not truth['moves']:
        before = [switches(task) for task in tasks]
        if before != [switches(task) for task in tasks]:
            yield 'somebody has run'


def left(truth):
    for task in truth['tasks']:
        if os.path.exists(f'/proc/{task["pid"]}'):
            yield f'{task["role"]} is still there'


def main():
    program, part = sys.argv[1:]
    tap = factory.Tap()
    for kind in factory.mine(factory.kinds(program), part):
        try:
            with factory.situation(program, kind) as truth:
                bad = list(faults(truth))
            tap.case(kind, bad + list(left(truth)))
        except factory.Missing as missing:
            tap.case(kind, [], str(missing))
        except factory.Broken as broken:
            tap.case(kind, [str(broken)])
    return tap.end()


sys.exit(main())
