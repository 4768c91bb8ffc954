"""What queueing theory knows: the simulation is held to it, and limits are reckoned with it.

Sources. Pollaczek 1930, Khinchine 1932: the mean wait of M/G/1, E[W] = λE[S²] / 2(1 - ρ), of which M/M/1 and
M/D/1 are cases. Erlang 1917: the probability that one of M/M/c waits. Little 1961: L = λW. Kleinrock,
Queueing Systems I (1975), chapters 3 and 5, has all of these. Closed systems, where a fixed number of
customers think and come again: the machine repairman (Kleinrock, section 3.8), and the asymptotic bounds of
Lazowska, Zahorjan, Graham and Sevcik, Quantitative System Performance (1984), chapter 5, with its law of
utilisation U = XS (chapter 3).
"""

from __future__ import annotations


def wait_of_mg1(rate: float, mean: float, mean_of_squares: float) -> float:
    """Seconds that one waits on average before one server, whatever the service times."""
    return rate * mean_of_squares / (2.0 * (1.0 - rate * mean))


def wait_of_mm1(rate: float, mean: float) -> float:
    return wait_of_mg1(rate, mean, 2.0 * mean**2)


def wait_of_md1(rate: float, seconds: float) -> float:
    return wait_of_mg1(rate, seconds, seconds**2)


def erlang_c(rate: float, mean: float, servers: int) -> float:
    """The probability that one of M/M/c waits at all."""
    offered = rate * mean
    blocked = 1.0
    for number in range(1, servers + 1):  # Erlang B, by its recursion
        blocked = offered * blocked / (number + offered * blocked)
    return blocked / (1.0 - offered / servers * (1.0 - blocked))


def wait_of_mmc(rate: float, mean: float, servers: int) -> float:
    return erlang_c(rate, mean, servers) * mean / (servers - rate * mean)


def rate_of_repairman(customers: int, thinking: float, mean: float) -> float:
    """Services a second where so many think and come again, both times exponential, to one server."""
    term = whole = 1.0
    for broken in range(customers):
        term *= (customers - broken) * mean / thinking
        whole += term
    return (1.0 - 1.0 / whole) / mean


def most_a_second(customers: int, thinking: float, service: float) -> float:
    """No closed system is faster: the server alone, or as many as never wait for each other."""
    return min(1.0 / service, customers / (thinking + service))


def enough_customers(thinking: float, service: float) -> float:
    """From so many on, one more adds next to nothing: where both bounds meet."""
    return (thinking + service) / service
