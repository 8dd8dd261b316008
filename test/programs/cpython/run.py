"""Runs modules (or single cases) of CPython's own tests and prints one line a case: its name and how it went."""
import os
import sys
import unittest

from test import support

support.verbose = 0
# No Internet, nothing that is only there to take long. (test_socketserver calls loopback a network.)
support.use_resources = {}


class Result(unittest.TestResult):
    def __init__(self, out):
        super().__init__()
        self.out = out

    def say(self, test, how):
        print(test.id(), how, file=self.out, flush=True)

    def startTest(self, test):
        super().startTest(test)
        self.failed = False

    def addSuccess(self, test):
        self.say(test, "ok")

    def addSkip(self, test, reason):
        self.say(test, "skipped")

    def addExpectedFailure(self, test, err):
        self.say(test, "expected failure")

    def addUnexpectedSuccess(self, test):
        self.say(test, "unexpected success")

    def failure(self, test, err, how):
        self.say(test, how)
        text = self._exc_info_to_string(err, test) if isinstance(test, unittest.TestCase) else repr(err)
        for line in text.rstrip().splitlines():
            print("#", line, file=self.out, flush=True)

    def addError(self, test, err):
        self.failure(test, err, "ERROR")

    def addFailure(self, test, err):
        self.failure(test, err, "FAIL")

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.failure(test, err, "FAIL in a part")


# What the tests themselves print is not for us.
out = os.fdopen(os.dup(1), "w")
null = os.open("/dev/null", os.O_WRONLY)
os.dup2(null, 1)
os.dup2(null, 2)
os.chdir("/tmp")
for module in sys.argv[1:]:
    support.use_resources = {"network": None} if module.startswith("test_socketserver") else {}
    suite = unittest.defaultTestLoader.loadTestsFromName("test." + module)
    suite.run(Result(out))
os._exit(0)
