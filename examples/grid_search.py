"""scikit-learn: a pipeline with a scaler, and a grid search over the network and its learning rate."""

from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

import pellucid as pl


def small(shape, outputs):
    """One convolution."""
    layers = [pl.Conv2D(8, 3), pl.ReLU(), pl.MaxPool2D(2), pl.Flatten(), pl.Dense(outputs)]
    return pl.Network(layers, shape, pl.SoftmaxCrossEntropy(), name="small")


def wide(shape, outputs):
    """One convolution with more filters, and no pooling."""
    layers = [pl.Conv2D(16, 3, padding=1), pl.SiLU(), pl.Flatten(), pl.Dense(outputs)]
    return pl.Network(layers, shape, pl.SoftmaxCrossEntropy(), name="wide")


def main() -> None:
    """Trains 2 networks with 2 learning rates on 3 folds, on two cores, and scores the best."""
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
    pipeline = make_pipeline(MinMaxScaler(), pl.ImageClassifier(epochs=8, random_state=0))
    grid = {"imageclassifier__net": [small, wide], "imageclassifier__lr": [0.003, 0.01]}
    search = GridSearchCV(pipeline, grid, cv=3, n_jobs=2).fit(X_train, y_train)
    for score, setting in zip(
        search.cv_results_["mean_test_score"], search.cv_results_["params"], strict=True
    ):
        print(
            f"{score:.1%}  {setting['imageclassifier__net'].__name__}, rate {setting['imageclassifier__lr']}"
        )
    print(f"the best on images that it has not seen: {search.score(X_test, y_test):.1%}")

    best = search.best_estimator_[-1]
    best.history_.plot(best.network_.name).save("curves.png")


if __name__ == "__main__":  # the workers import this file
    main()
