"""BodyPoseNet: bottom-up 2D poses of several people from joint heatmaps and part-affinity fields.

Follows Cao et al., "Realtime Multi-Person 2D Pose Estimation using Part Affinity Fields" (2017),
in the form that TAO's BodyPoseNet gave it.
"""
