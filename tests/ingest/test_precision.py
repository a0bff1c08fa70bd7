import pytest
import torch

from saedb.ingest import precision
from saedb.ingest.errors import InputError


@pytest.fixture(params=["highest", "high", "medium"])
def before(request: pytest.FixtureRequest):
    was = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(request.param)
    yield request.param
    torch.set_float32_matmul_precision(was)


@pytest.mark.parametrize(("tf32", "within"), [(True, "high"), (False, "highest")])
def test_the_precision_is_set_within_and_as_before_afterwards(before: str, tf32: bool, within: str) -> None:
    with precision.matrix_products(tf32=tf32):
        assert torch.get_float32_matmul_precision() == within
    assert torch.get_float32_matmul_precision() == before


def test_the_precision_is_as_before_after_an_error(before: str) -> None:
    with pytest.raises(torch.OutOfMemoryError), precision.matrix_products(tf32=True):
        raise torch.OutOfMemoryError
    assert torch.get_float32_matmul_precision() == before


def test_an_activation_is_flipped_where_only_one_of_two_is_above_zero() -> None:
    exact = torch.tensor([[0.0, 1.0, 2.0, 0.0], [0.5, 0.0, -1.0, 0.0]])
    other = torch.tensor([[0.0, 1.1, 0.0, 3.0], [0.4, -1.0, 0.0, 0.0]])
    assert precision.flips(exact, other).tolist() == [2, 4]
    assert precision.flips(exact, exact).tolist() == [0, 3]
    assert precision.flips(torch.zeros(2, 3), torch.zeros(2, 3)).tolist() == [0, 0]


def test_tf32_on_a_cpu_is_one_line() -> None:
    with pytest.raises(InputError, match=r"^tf32 is asked for, and the device is cpu, .* leave out --tf32$"):
        precision.check(tf32=True, device="cpu")
    precision.check(tf32=False, device="cpu")
    precision.check(tf32=True, device="cuda")
