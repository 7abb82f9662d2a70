"""Saving and loading in the language of n2d_framework: one file."""

from __future__ import annotations

from common import arguments, new_data, scaler

import n2d_framework as n2d


def main() -> None:
    args = arguments(__doc__)
    found = new_data(args.data)
    model = n2d.N2D(
        {"name": "dense_ae", "epochs": args.epochs},
        n_clusters=len(found.names),
        scaler=scaler(args.data),
        random_state=0,
    )
    model.fit(found.x)
    model.save("har.n2d")
    same = n2d.load("har.n2d").predict(found.x) == model.predict(found.x)
    print("the same labels:", bool(same.all()))


if __name__ == "__main__":
    main()
