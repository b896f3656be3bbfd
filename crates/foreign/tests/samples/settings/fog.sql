-- MySQL dump of ours
CREATE TABLE `hosts` (
  `hostID` int(11) NOT NULL AUTO_INCREMENT,
  `hostName` varchar(16) NOT NULL,
  `hostDesc` longtext NOT NULL,
  PRIMARY KEY (`hostID`)
) ENGINE=InnoDB;
INSERT INTO `hosts` VALUES (1,'class-01','first, (by the door)'),(2,'class-02','it''s the second'),(3,'no-mac','');
CREATE TABLE `hostMAC` (
  `hmID` int(11) NOT NULL,
  `hmHostID` int(11) NOT NULL,
  `hmMAC` varchar(18) NOT NULL,
  `hmPrimary` enum('0','1') NOT NULL
) ENGINE=InnoDB;
INSERT INTO `hostMAC` VALUES
(1,1,'52:54:00:77:10:09','0'),
(2,1,'52:54:00:77:10:01','1'),
(3,2,'52:54:00:77:10:02','1');
INSERT INTO `users` VALUES (1,'fog','secret-of-fog');
