"""What a reference may look like, and the one sentence for each that is none."""

from __future__ import annotations

import pytest

from pellucid.errors import UsageError
from pellucid.layers import Dense, FormulaLayer, Parameter, SoftmaxCrossEntropy
from pellucid.network import Network
from tests.explain.numbers import run_of
from tests.networks import small_network

HOSTILE = {
    "": "'' is no reference; one such as conv1[0,3,12,7] or loss was expected",
    "[0]": "'[0]' is no reference",
    "conv1[0": "'conv1[0' is no reference",
    "conv1[0]]": "'conv1[0]]' is no reference",
    "conv1[0,0,0,0][0]": "is no reference",
    "conv 1[0,0,0,0]": "is no reference",
    "conv1": "conv1 has the shape (2, 4, 4, 4), so it takes 4 indices, and 0 were given",
    "conv1[]": "so it takes 4 indices, and 0 were given",
    "conv1[0,0,0]": "so it takes 4 indices, and 3 were given",
    "conv1[0,0,0,0,0]": "so it takes 4 indices, and 5 were given",
    "loss[0]": "loss is one number, and 1 were given",
    "conv1[0,4,0,0]": "conv1[0,4,0,0]: index 4 of axis 1 is not in 0 … 3",
    "conv1[0,0,0,99999999999999999]": "index 99999999999999999 of axis 3",
    "conv1[0,0,0,9999999999999999999]": "an index is a whole number, counted from 0, not",
    "conv1[0,0,0,-1]": "an index is a whole number, counted from 0, not '-1'",
    "conv1[0,0,0,1.0]": "not '1.0'",
    "conv1[0,0,0,]": "not ''",
    "conv1[0,0,0,:]": "not ':'",
    "conv1[0,0,0,i]": "not 'i'",
    "conv1[0,0,0,١]": "not '١'",  # a digit of another script
    "conv2[0,0,0,0]": "there is no value 'conv2'; did you mean conv1?",
    "conv1.wieght[0,0,0,0]": "there is no value 'conv1.wieght'; did you mean conv1.weight?",
    "loss:nothing": "there is no value 'loss:nothing'",
    "loss.grad": "there is no gradient 'loss.grad'; did you mean",
    "targets.grad[0,0]": "there is no gradient 'targets.grad'",
    "conv1.grad.grad[0,0,0,0]": "there is no gradient 'conv1.grad.grad'",
    ".grad": "there is no gradient '.grad'",
    "conv1.weight:new[0,0,0,0]": "there is no value 'conv1.weight:new'",
    "x" * 301: "a reference is a text such as conv1[0,3,12,7], not a text of 301 characters",
}


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_no_reference_gets_one_sentence(text: str) -> None:
    run = run_of(small_network(), 2)
    for ask in (run.explain, run.uses):
        with pytest.raises(UsageError) as caught:
            ask(text)
        assert HOSTILE[text] in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("given", [None, 3, b"loss", ["loss"], ("conv1", 0)])
def test_a_reference_is_a_text(given: object) -> None:
    with pytest.raises(UsageError, match="a reference is a text such as"):
        run_of(small_network(), 1).explain(given)  # type: ignore[arg-type]  # what is tested


@pytest.mark.parametrize("most", [-1, 1.5, True, "all"])
def test_most_is_a_number(most: object) -> None:
    run = run_of(small_network(), 1)
    for ask in (run.explain, run.uses):
        with pytest.raises(UsageError, match="most is how many terms are listed"):
            ask("loss", most=most)  # type: ignore[arg-type]  # what is tested


def test_blanks_are_ignored() -> None:
    run = run_of(small_network(), 2)
    assert run.explain(" conv1 [ 0, 1 ,2,3 ] ") == run.explain("conv1[0,1,2,3]")


def test_a_run_without_a_loss_says_so() -> None:
    net = small_network()
    run = net.run(run_of(net)["input"])
    for text in ("loss", "loss:prob[0,0]"):
        with pytest.raises(UsageError, match="the run has no loss: the network has none, or no targets"):
            run.explain(text)
    with pytest.raises(UsageError, match="the run has no gradients, as it had neither targets"):
        run.explain("conv1.grad[0,0,0,0]")


def test_a_parameter_may_be_called_grad() -> None:
    layer = FormulaLayer("y[n,d] = grad*x[n,d]", parameters={"grad": Parameter((), 0.5)})
    run = run_of(Network([layer, Dense(2)], (3,), SoftmaxCrossEntropy()))
    assert run.explain("formula1.grad").role == "a parameter"
    assert run.explain("formula1.grad.grad").agrees


def test_given_numbers_say_what_they_are() -> None:
    run = run_of(small_network(dropout=0.5), 2)
    roles = {
        "input[0,0,1,1]": "an input", "conv1.bias[1]": "a parameter", "targets[1,0]": "a target",
        "dropout1:mask[0,3]": "a random mask",
    }  # fmt: skip
    for reference, role in roles.items():
        found = run.explain(reference)
        assert (found.role, found.terms, found.agrees) == (role, (), True)
        assert str(found) == f"{reference} = {found.stored:.9g}, {role}"


def test_names_of_gradients_do_not_hide_tensors_of_that_name() -> None:
    layer = FormulaLayer(
        "m[n] = max[d] x[n,d]; y[n,d] = dm[d]*x[n,d] + 0*m[n]", parameters={"dm": Parameter(("d",), 0.5)}
    )
    net = Network([layer], (3,))
    run = net.run(run_of(net)["input"])
    (term,) = run.explain("formula1[0,1]").terms
    assert [o.reference for o in term.operands] == ["formula1.dm[1]", "input[0,1]"]


def test_an_output_has_one_name_only() -> None:
    run = run_of(small_network(), 2)
    with pytest.raises(UsageError, match="there is no value 'conv1:y'"):
        run.explain("conv1:y[0,0,0,0]")
