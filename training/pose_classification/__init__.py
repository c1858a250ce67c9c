"""PoseClassificationNet: actions from sequences of skeletons (ST-GCN)."""
