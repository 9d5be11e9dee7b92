"""Runs programs in groups of their own, so that nothing of them is left behind when the run ends."""

import os
import signal
import subprocess
import threading
import time

# What a program may have of memory that it can write to, in KiB: a mutant that allocates without an end harms nobody else.
MEMORY_MAX_KIB = 8 << 20
# How much later than its time a program ends by itself, if nobody is left who would end it.
ORPHAN_S = 60


class Stopped(Exception):
    """The run is to end."""


class Programs:
    def __init__(self):
        self.groups, self.lock, self.is_stopped = set(), threading.Lock(), False

    def stop(self):
        with self.lock:
            self.is_stopped = True
            for group in self.groups:
                self.kill(group)

    def start(self, command, timeout_s, limited, **options):
        command = ["timeout", "--signal", "KILL", str(int(timeout_s) + ORPHAN_S), "nice", "-n", "15", *command]
        if limited:
            command = ["bash", "-c", f'ulimit -d {MEMORY_MAX_KIB} && exec "$@"', "bash", *command]
        with self.lock:
            if self.is_stopped:
                raise Stopped
            program = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, **options)
            self.groups.add(program.pid)
        return program

    def end(self, program):
        with self.lock:
            self.kill(program.pid)
            program.wait()
            self.groups.discard(program.pid)
            if self.is_stopped:
                raise Stopped

    @staticmethod
    def kill(group):
        try:
            os.killpg(group, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def output(self, command, timeout_s, **options):
        """Runs it to its end; its code, what it printed, and its errors."""
        program = self.start(command, timeout_s, False, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
        try:
            printed, errors = program.communicate(timeout=timeout_s)
        finally:
            self.end(program)
        return program.returncode, printed, errors

    def watch(self, command, timeout_s, sees, **options):
        """Runs it until it ends, `sees` makes something of a line, or its time is over; its code if it ended by itself, what was
        seen, and whether it hung."""
        program = self.start(command, timeout_s, True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, **options)
        until, hung = time.monotonic() + timeout_s, threading.Event()

        def expire():
            hung.set()
            self.kill(program.pid)

        timer = threading.Timer(max(until - time.monotonic(), 0), expire)
        timer.start()
        seen = code = None
        try:
            for line in program.stdout:
                seen = sees(line)
                if seen:
                    break
            else:
                code = program.wait()
        finally:
            timer.cancel()
            self.end(program)
        return code, seen, hung.is_set()
